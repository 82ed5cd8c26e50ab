"""Run chapters: one Jupyter kernel a chapter, several chapters at a time, in the project's folder.

Cells and inline expressions run in the order of the file. The kernel is this Python, whatever kernels are
installed, and reads no start-up file of the user's, so that a book gives the same result on every machine.
"""

import asyncio
import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bookkit.chapters import Cell
from bookkit.errors import BookError, BookErrors

#: Seconds a single cell may take.
CELL_TIMEOUT = 600
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def execute_chapters(chapters, root, jobs=2, defaults=None, done=lambda chapter, result: None):
    """Run chapters in parallel processes.

    Parameters
    ----------
    chapters : list of bookkit.chapters.Chapter
        What to run.
    root : str or pathlib.Path
        The project; every kernel works there.
    jobs : int
        How many kernels run at a time.
    defaults : dict, optional
        The book's ``execute`` options; a cell's own options win.
    done : callable
        Called with a chapter and its result as soon as it has run.

    Returns
    -------
    dict
        From chapter path to its result: ``{"cells": [outputs, ...], "inlines": [data, ...]}``. ``outputs``
        are Jupyter outputs (nbformat 4), None for a cell that is not evaluated; ``data`` is the MIME bundle of
        an inline expression.

    Raises
    ------
    BookErrors
        Cells raised; one error a chapter, each with the cell's name, its line and the exception.
    """

    async def run_all():
        limit = asyncio.Semaphore(jobs)

        async def run(chapter):
            async with limit:
                result = await _execute(chapter, Path(root), defaults or {})
                done(chapter, result)
                return result

        return await asyncio.gather(*(run(chapter) for chapter in chapters), return_exceptions=True)

    results = _run_loop(run_all)
    errors = [result for result in results if isinstance(result, BaseException)]
    for error in errors:
        if not isinstance(error, BookError):
            raise error
    if errors:
        raise BookErrors(errors)
    return {chapter.path: result for chapter, result in zip(chapters, results, strict=True)}


def _run_loop(main):
    """Run a coroutine to its end; in a thread of its own where this one has a running loop, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(main())).result()


def option(cell, name, defaults, fallback):
    """A cell's option, else the book's, else `fallback`."""
    return cell.options.get(name, (defaults or {}).get(name, fallback))


async def _execute(chapter, root, defaults):
    if not chapter.inlines and not any(option(cell, "eval", defaults, True) for cell in chapter.cells):
        return {"cells": [None] * len(chapter.cells), "inlines": []}
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    result = {"cells": [], "inlines": []}
    with tempfile.TemporaryDirectory(prefix="bookkit-ipython-") as profile:
        manager = AsyncKernelManager()
        manager.kernel_spec.argv = [
            sys.executable,
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
            "--HistoryManager.enabled=False",
            "--InlineBackend.figure_format=retina",
            "--log-level=ERROR",
        ]
        manager.kernel_spec.env = {}
        environment = {
            **os.environ,
            "IPYTHONDIR": profile,
            "PYTHONHASHSEED": "0",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        }
        notebook = nbformat.v4.new_notebook()
        client = NotebookClient(
            notebook, km=manager, timeout=CELL_TIMEOUT, record_timing=False, resources={"metadata": {"path": str(root)}}
        )
        where = None
        try:
            async with client.async_setup_kernel(env=environment, cwd=str(root)):
                for block in chapter.blocks:
                    where = block
                    if isinstance(block, Cell):
                        result["cells"].append(await _run_cell(client, notebook, block, defaults))
                    elif block.inlines:
                        result["inlines"] += await _run_inlines(client, block.inlines, chapter.path)
        except CellExecutionError as error:
            raise _cell_error(chapter, where, error.ename, error.evalue, error.traceback) from None
        except (CellTimeoutError, TimeoutError):
            raise BookError(f"{_name(where)} took longer than {CELL_TIMEOUT} s", chapter.path, where.line) from None
        except (DeadKernelError, RuntimeError) as error:
            line = where.line if where else 1
            raise BookError(f"the kernel died in {_name(where)}: {error}", chapter.path, line) from None
    return result


def _name(block):
    return block.name if isinstance(block, Cell) else "an inline expression" if block else "its start"


async def _run_cell(client, notebook, block, defaults):
    import nbformat

    if not option(block, "eval", defaults, True):
        return None
    cell = nbformat.v4.new_code_cell(block.source)
    if option(block, "error", defaults, False):
        cell.metadata["tags"] = ["raises-exception"]
    notebook.cells.append(cell)
    await client.async_execute_cell(cell, len(notebook.cells) - 1)
    return [dict(output) for output in cell.outputs]


async def _run_inlines(client, inlines, path):
    """Values of the inline expressions of one stretch of prose, as Quarto asks for them."""
    expressions = {str(index): inline.source for index, inline in enumerate(inlines)}
    message = client.kc.execute("", silent=True, store_history=False, user_expressions=expressions)
    reply = await client.async_wait_for_reply(message)
    values = []
    for index, inline in enumerate(inlines):
        value = reply["content"]["user_expressions"][str(index)]
        if value["status"] != "ok":
            raise BookError(
                f"inline expression `{inline.source}` raised {value['ename']}: {value['evalue']}", path, inline.line
            )
        values.append(dict(value["data"]))
    return values


def _cell_error(chapter, cell, name, value, traceback):
    """The error of a cell, at the line of the chapter where it was raised."""
    text = _ANSI.sub("", "\n".join(traceback) if isinstance(traceback, list) else str(traceback))
    inside = re.findall(r"Cell In\s*\[\d+\], line (\d+)", text)
    line = cell.source_line + int(inside[0]) - 1 if inside else cell.line
    return BookError(f"{cell.name} raised {name}: {value}", chapter.path, line)
