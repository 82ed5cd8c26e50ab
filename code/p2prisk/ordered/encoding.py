"""Values that JSON has no word for (integer keys, arrays, intervals, dates) as tagged plain data, and back.

A formulaic ``ModelSpec`` is its formula plus the state of its transforms (spline knots, means, polynomial norms) and of
its categorical encoders (levels); :func:`encode_spec` makes it fit for a programmer's own pickles and worker processes.
Its formula is evaluated as code: nothing that came from a file goes through :func:`decode_spec`; model files hold
:mod:`p2prisk.ordered.stored` instead.
"""

import numpy as np
import pandas as pd

from p2prisk.errors import ModelError


def encode_spec(spec):
    """A formulaic specification as a dictionary fit for JSON."""
    from p2prisk.ordered.design import written

    return {
        "terms": [written(term) for term in spec.formula],
        "transform_state": to_plain(spec.transform_state),
        "encoder_state": {
            str(factor): [kind.value, to_plain({k: v for k, v in state.items() if k == "categories"})]
            for factor, (kind, state) in spec.encoder_state.items()
        },
    }


def decode_spec(plain):
    """The specification that :func:`encode_spec` wrote."""
    from formulaic import Formula, ModelSpec
    from formulaic.parser.types import Factor

    encoder_state = {
        factor: (Factor.Kind(kind), from_plain(state)) for factor, (kind, state) in plain["encoder_state"].items()
    }
    spec = ModelSpec(
        formula=Formula(plain["terms"]),
        transform_state=from_plain(plain["transform_state"]),
        encoder_state=encoder_state,
    )
    return spec


def to_plain(value):
    """Nested state as JSON types; floats survive exactly because ``repr`` of a float round-trips."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.floating):
        return _float(float(value))
    if isinstance(value, pd.Interval):
        return {"__interval__": [to_plain(value.left), to_plain(value.right), value.closed]}
    if isinstance(value, pd.Timestamp):
        return {"__timestamp__": value.isoformat()}
    if isinstance(value, np.ndarray):
        return {"__array__": [to_plain(v) for v in value.ravel().tolist()], "shape": list(value.shape)}
    if isinstance(value, tuple):
        return {"__tuple__": [to_plain(v) for v in value]}
    if isinstance(value, list):
        return [to_plain(v) for v in value]
    if isinstance(value, dict):
        if all(isinstance(k, str) and not k.startswith("__") for k in value):
            return {k: to_plain(v) for k, v in value.items()}
        return {"__pairs__": [[to_plain(k), to_plain(v)] for k, v in value.items()]}
    raise ModelError(
        f"the formula holds a state of type {type(value).__name__}, which cannot be written as JSON; "
        "compute that column before the fit"
    )


def _float(value):
    if np.isfinite(value):
        return value
    return {"__float__": repr(value)}


def from_plain(value):
    """Inverse of :func:`to_plain`."""
    if isinstance(value, list):
        return [from_plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "__float__" in value:
        return float(value["__float__"])
    if "__interval__" in value:
        left, right, closed = value["__interval__"]
        return pd.Interval(from_plain(left), from_plain(right), closed=closed)
    if "__timestamp__" in value:
        return pd.Timestamp(value["__timestamp__"])
    if "__array__" in value:
        return np.array([from_plain(v) for v in value["__array__"]]).reshape(value["shape"])
    if "__tuple__" in value:
        return tuple(from_plain(v) for v in value["__tuple__"])
    if "__pairs__" in value:
        return {from_plain(k): from_plain(v) for k, v in value["__pairs__"]}
    return {k: from_plain(v) for k, v in value.items()}
