"""The port to an exchange: what is asked, what comes back, what can go wrong, and how politely we ask."""
