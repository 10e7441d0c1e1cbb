"""The tests: folders mirror the package; flows/ reads as the product's brochure."""
