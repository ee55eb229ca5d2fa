def _measured(run: Run) -> set[str]:
    return {key for tree in run.metrics.values() for key in node_keys(tree)}
