"""The OpenAPI document: FastAPI's, completed for readers and generators: names, enumerations, answers, webhooks, examples."""
