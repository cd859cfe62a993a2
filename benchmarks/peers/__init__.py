"""Published rules of other tools, for comparison in the same run. The kit does not use them."""
