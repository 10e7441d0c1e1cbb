"""The product's brochure: what it promises, told as stories over real HTTP with a real stand-in for Polar."""
