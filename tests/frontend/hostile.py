"""Experiments that would like to be code."""

from abkit import Experiment, UserExperiment


class Quotes(UserExperiment):
    """*/ export const broken = 1; /* and back\\slash, `${ticks}`"""

    name = 'it\'s "quoted" \\ */ `${1}`'
    variants = ["'", '"', "\\", "*/", "//", "`${1}`", "</script>"]


class Invisible(UserExperiment):
    """\u202eevihcra\u2028 and more."""

    name = "\u202etfel ot thgir\u2028"
    variants = ["", " ", "\n", "\x00", "\u2029", "\ud800", "\U0001f9ea", "été", "\U000e0041"]


class Prototype(UserExperiment):
    """@ts-expect-error is an order to the compiler."""

    name = "__proto__"
    param_name = "constructor"
    variants = ["__proto__", "toString", "0", "false"]


class Numbers(Experiment):
    """/** @ts-ignore"""

    unit_type = "__proto__"
    variants = [-1, 1e-7, 1e300, 9007199254740991, 0.1, 2.0]


class ManyLongVariants(Experiment):
    unit_type = "größe"
    variants = [f"a variant with a long name, number {number}" for number in range(4)]


ACTIVE_EXPERIMENTS = [Quotes, Invisible, Prototype, Numbers, ManyLongVariants]
