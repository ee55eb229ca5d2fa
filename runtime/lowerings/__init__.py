"""Forms that a convolution can be computed in; `lab.runtime.convolution` chooses one."""
