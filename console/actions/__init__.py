"""Actions: each is shown as a form that says in words what will happen, and is done when the person confirms it."""
