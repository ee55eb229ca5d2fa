"""One tree of exceptions for people's mistakes: what was found, and what to do."""


class LabError(Exception):
    """A mistake that a person can mend. Anything else that is raised is a defect."""

    #: What a command ends with.
    exit_code = 2


class UnsuitableWeights(LabError):
    """A method was given weights that it cannot represent."""


class MissingFile(LabError):
    """A file that a study names is not there."""


class BadCheckpoint(LabError):
    """A checkpoint does not hold what the model needs."""


class BadData(LabError):
    """A data set cannot be read, or is not what it should be."""


class NoNetwork(LabError):
    """Something has to be fetched and cannot be."""


class CorruptFile(LabError):
    """A packed model or a stored result is damaged."""


class Diverged(LabError):
    """A run's loss or weights stopped being numbers."""


class UnsuitableSetting(LabError):
    """A setting does not fit the model, the data or the stage that it was given to."""


class NotExportable(LabError):
    """A model cannot be exported in the format that was asked for, or an export is not right."""


class Unconvertible(LabError):
    """A network made elsewhere uses what cannot be computed here."""
