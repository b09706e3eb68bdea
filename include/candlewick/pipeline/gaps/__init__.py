"""What is missing and why: requested minutes, detection, fetching, classification, and the ledger they keep.

``requested`` says which minutes should be there, ``detect`` compares them with the facts, ``fetch`` asks for what is
missing, ``classify`` explains what stays missing. Each step can be killed anywhere and begun again.
"""
