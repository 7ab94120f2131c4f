"""From frame to decision: pose models, rules and the loop around them."""
