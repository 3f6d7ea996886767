"""The screens. Each view asks the API with the person's key, and renders a template."""
