"""The sums of closed days, wherever a store keeps them, and what is added to them."""
