"""`lab ui`: Aim on a study's runs."""

from lab.cli import exits
from lab.cli.load import load, results_folder, show_diagnostics
from lab.cli.options import Options


def ui(options: Options) -> int:
    """Serve Aim on loopback until interrupted."""
    from lab.runtime.trackers.ui import serve

    file = options.files[0]
    loaded = load(file, profile=options.profile, sets=options.sets)
    show_diagnostics(loaded)
    if loaded.plan is None:
        return exits.STUDY_IS_WRONG
    return serve(results_folder(file, options.results), loaded.plan.study, options.port)
