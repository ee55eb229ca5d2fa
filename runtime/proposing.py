"""What Optuna proposes: the only place that imports it, and only where a search goes on.

The proposal for ask `n` is drawn by a tree-structured Parzen estimator (Bergstra et al. 2011, with
constraints as in Watanabe & Hutter 2023) that is made anew for it, seeded by the study's seed and
`n`, and told all that it may know. It is a pure function of these.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from lab.compiler.plan import SearchPlan
from lab.compiler.trials import Ask, Between, Domain, Number, Options
from lab.runtime.journal import Entry


def asking_for(entries: Sequence[Entry], search: SearchPlan, *, ask: int, first: int) -> Ask:
    """What Optuna proposes for one ask.

    Args:
        entries: all proposals so far. `search`: whose they are.
        ask: the number of this one. `first`: of the first trial of its batch, which it knows
            where they are but not what came of them.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=_seed(search.seed, ask))
    study = optuna.create_study(direction=search.direction, sampler=sampler)
    for one in entries:
        study.add_trial(_past(one, is_sibling=one.number is not None and one.number >= first))
    trial = study.ask()

    def suggest(name: str, domain: Domain) -> Number:
        named = _named(name, domain)
        if isinstance(domain, Between) and not domain.whole:
            return trial.suggest_float(named, domain.low, domain.high, log=domain.log)
        if isinstance(domain, Between):
            return trial.suggest_int(named, round(domain.low), round(domain.high), log=domain.log)
        if isinstance(domain, Options):
            return trial.suggest_categorical(named, range(domain.count))
        return trial.suggest_int(named, 0, domain.count - 1)

    return suggest


def _past(entry: Entry, *, is_sibling: bool) -> Any:
    from optuna.trial import TrialState, create_trial

    told = None if is_sibling else entry.told
    common = {
        "params": {_named(one.name, one.domain): one.value for one in entry.asked},
        "distributions": {_named(one.name, one.domain): _spread(one.domain) for one in entry.asked},
    }
    if entry.rejected is not None:
        return create_trial(state=TrialState.PRUNED, **common)
    if told is None:
        return create_trial(state=TrialState.RUNNING, **common)
    if told.failure is not None:
        return create_trial(state=TrialState.FAIL, **common)
    constraints = {str(i): part for i, part in enumerate(told.violations)}
    return create_trial(value=told.goal, constraints=constraints or None, **common)


def _spread(domain: Domain) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(domain, Between) and not domain.whole:
        return FloatDistribution(domain.low, domain.high, log=domain.log)
    if isinstance(domain, Between):
        return IntDistribution(round(domain.low), round(domain.high), log=domain.log)
    if isinstance(domain, Options):
        return CategoricalDistribution(range(domain.count))
    return IntDistribution(0, domain.count - 1)


def _named(name: str, domain: Domain) -> str:
    """A site's name for Optuna, which holds a name to one domain while a range's ends may vary."""
    if isinstance(domain, Between):
        return f"{name} {domain.low} .. {domain.high}"
    return f"{name} of {domain.count}"


def _seed(seed: int, ask: int) -> int:
    """A seed of its own for every ask."""
    text = hashlib.sha256(f"{seed} {ask}".encode()).digest()
    return int.from_bytes(text[:4], "big")
