"""What tools that no one here wrote say of the contract: each test needs Node, Java or a browser."""
