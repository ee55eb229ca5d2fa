"""What tests compile they run once or twice, so that the compiler takes the least trouble over it.

That is for what is called here. What has a process of its own (`lab run`, its workers, the lanes
and resumptions that are compared to the bit) is compiled as people have it.
"""

import jax

jax.config.update("jax_disable_most_optimizations", True)
