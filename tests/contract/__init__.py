"""The room ``automation.contract``, tested with tiny contracts of its own."""
