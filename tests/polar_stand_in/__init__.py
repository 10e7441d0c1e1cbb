"""The stand-in for Polar, tested as the program that it is: started, spoken to over HTTP, killed and started again."""
