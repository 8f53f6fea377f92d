"""What stands in the way of serving the page."""


class ServeError(RuntimeError):
    """One plain sentence on why the page cannot be served."""
