"""Pictures of a loan tape."""

import numpy as np

from p2prisk.figures.colours import PALETTE


def missingness(missing, ax=None, most=30):
    """Share missing by column and year of issue, as a grid of shaded cells with the share in them.

    Parameters
    ----------
    missing : pandas.DataFrame
        Of :func:`p2prisk.tape.quality.missing_by_year`: columns of the tape as rows, years as columns.
    ax : matplotlib.axes.Axes, optional
    most : int
        Columns shown, those with most missing first; columns without a missing value are not shown.

    Returns
    -------
    matplotlib.axes.Axes
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import LinearSegmentedColormap

    shown = missing[missing.max(axis=1) > 0]
    shown = shown.loc[shown.max(axis=1).sort_values(ascending=False, kind="stable").index][:most]
    if ax is None:
        _, ax = plt.subplots(figsize=(max(4.5, 2.6 + 0.55 * missing.shape[1]), 1.0 + 0.28 * max(len(shown), 2)))
    if not len(shown):
        ax.text(0.5, 0.5, "no missing value", ha="center", va="center", transform=ax.transAxes)
        ax.set_axis_off()
        return ax
    values = shown.to_numpy(dtype=float)
    colours = LinearSegmentedColormap.from_list("missing", ["white", PALETTE["blue"]])
    ax.imshow(values, cmap=colours, vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(values.shape):
        share = values[row, column]
        if share > 0:
            text = f"{100 * share:.0f}" if share >= 0.005 else "<1"
            ax.text(column, row, text, ha="center", va="center", color="white" if share > 0.55 else "black")
    ax.set_xticks(range(shown.shape[1]), [str(year) for year in shown.columns])
    ax.set_yticks(range(len(shown)), list(shown.index))
    ax.set_xlabel("year of issue" if list(shown.columns) != ["all"] else "")
    ax.set_title("Missing values, per cent of loans", loc="left")
    ax.tick_params(length=0)
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return ax
