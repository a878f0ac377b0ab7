"""Examples of what is posted and answered, for the OpenAPI document: one module per subject, made of the
bodies themselves, so that none of them can say what the API does not.
"""
