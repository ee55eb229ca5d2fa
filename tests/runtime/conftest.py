"""What tests compile they run once or twice, so that the compiler takes the least trouble over it.

That is for what is called here. What has a process of its own (`lab run`, its workers, whatever is
killed and goes on there) is compiled as people have it.
"""

import os

import jax
import pytest

jax.config.update("jax_disable_most_optimizations", True)
# XLA reads its flags once, when the first device is looked for. Without the emitters of fusions a
# small program takes two thirds of the time.
with pytest.MonkeyPatch.context() as patch:
    patch.setenv(
        "XLA_FLAGS", f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_use_fusion_emitters=false"
    )
    jax.devices()
