"""Run chapters: one Jupyter kernel a chapter, several chapters at a time, for pages and notebooks alike.

Cells and inline expressions run in the order of the file. The kernel is this Python, whatever kernels are
installed, and reads no start-up file of the user's, so that a book gives the same result on every machine.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

from bookkit.chapters import Cell
from bookkit.errors import BookError, BookErrors
from bookkit.folders import temporary_folder

#: Seconds a single cell may take.
CELL_TIMEOUT = 600
_KERNEL = "-m ipykernel_launcher -f {connection_file} --HistoryManager.enabled=False --log-level=ERROR"
_KERNEL += " --InlineBackend.figure_format=svg"


def execute_chapters(chapters, folder, jobs=2, defaults=None, done=lambda chapter, result: None, printed=False):
    """Run chapters, `jobs` kernels at a time, each in `folder`: the project, or that of the reference notebooks.

    `defaults` are the book's ``execute`` options. `done` is called with a chapter and its result as soon as it has run;
    a BookError that it raises is that chapter's. With `printed`, inline expressions are printed, each by a cell of its
    own, as in a reference notebook.

    The results are a dict by chapter path: ``{"cells": [outputs, ...], "inlines": [data, ...], "used": {...}}``.
    ``outputs`` are Jupyter outputs (nbformat 4), None for a cell that is not evaluated; ``data`` is the MIME bundle of
    an inline expression, or the outputs of its cell if `printed`; ``used`` is what :mod:`bookkit.used` noted, with the
    time of the start. BookErrors names what raised, one error a chapter, each with the cell, its line, the exception.
    """

    async def run_all():
        limit = asyncio.Semaphore(jobs)

        async def run(chapter):
            async with limit:
                result = await _execute(chapter, Path(folder).resolve(), defaults or {}, printed)
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
        with asyncio.Runner(loop_factory=_Loop) as runner:
            return runner.run(main())
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(main())).result()


class _Loop(asyncio.SelectorEventLoop):
    """A loop that leaves signals to the program: nbclient would end one kernel at Ctrl-C and let the others go on."""

    def add_signal_handler(self, number, callback, *given):
        raise RuntimeError  # as in a thread: nbclient then does without


async def _execute(chapter, folder, defaults, printed):
    result = {"cells": [], "inlines": [], "used": {"started": time.time_ns()}}
    if not chapter.inlines and not any(cell.option("eval", defaults, True) for cell in chapter.cells):
        return {**result, "cells": [None] * len(chapter.cells)}
    where = None
    with temporary_folder() as profile:
        # the kernel's key and sockets lie in our folder, too: a port of TCP may be another's before it is bound
        way = {"transport": "ipc"} if os.name == "posix" and len(str(profile)) < 80 else {}
        manager = AsyncKernelManager(connection_file=str(profile / "kernel.json"), **way)
        manager.kernel_spec.argv = [sys.executable, *_KERNEL.split()]
        manager.kernel_spec.env = {}
        environment = {**os.environ, "IPYTHONDIR": str(profile), "PYTHONHASHSEED": "0"}
        if printed:  # what hangs on the day or the machine has no place in a reference
            environment["BOOKKIT_REFERENCE"] = "1"
        environment["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
        resources = {"metadata": {"path": str(folder)}}
        options = {"timeout": CELL_TIMEOUT, "record_timing": False, "coalesce_streams": True, "resources": resources}
        client = NotebookClient(nbformat.v4.new_notebook(), km=manager, **options)
        try:
            async with client.async_setup_kernel(env=environment, cwd=str(folder)):
                await _evaluate(client, [f"__import__('bookkit.used').used.start({str(folder)!r})"])
                for block in chapter.blocks:
                    where = block
                    if isinstance(block, Cell):
                        run = block.option("eval", defaults, True)
                        may_raise = block.option("error", defaults, False)
                        result["cells"].append(await _run_cell(client, block.source, may_raise) if run else None)
                        continue
                    values = [] if printed else await _evaluate(client, [inline.source for inline in block.inlines])
                    for where, value in zip(block.inlines, values, strict=False):
                        if value["status"] != "ok":
                            words = f"{where.name} raised {value['ename']}: {value['evalue']}"
                            raise BookError(words, chapter.path, where.line)
                        result["inlines"].append(dict(value["data"]))
                    for where in block.inlines if printed else ():
                        result["inlines"].append(await _run_cell(client, f"print({where.source})"))
                record = profile / "used.json"
                await _evaluate(client, [f"__import__('bookkit.used').used.report({str(record)!r})"])
                result["used"] |= json.loads(record.read_text(encoding="utf-8"))
        except CellExecutionError as error:
            raise _cell_error(chapter, where, error.ename, error.evalue, error.traceback) from None
        except (TimeoutError, DeadKernelError, RuntimeError) as error:
            name, line = _named(where)
            words = f"the kernel died in {name}: {error}"
            if isinstance(error, TimeoutError):
                words = f"{name} took longer than {CELL_TIMEOUT} s"
            raise BookError(words, chapter.path, line) from None
        finally:
            with contextlib.suppress(Exception):  # one that hangs does not heed the request to end
                if manager.has_kernel:
                    await manager.shutdown_kernel(now=True)
    return result


def _named(where):
    """Name and line of what ran: a cell, an inline expression, the first of those that are asked for together."""
    if where is None:
        return "its start", 1
    inlines = getattr(where, "inlines", None)
    if not inlines:
        return where.name, where.line
    more = f" or one of the {len(inlines) - 1} after it" if inlines[1:] else ""
    return inlines[0].name + more, inlines[0].line


async def _run_cell(client, source, may_raise=False):
    """Outputs of a piece of code, as of a notebook's cell."""
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["raises-exception"] if may_raise else []})
    client.nb.cells.append(cell)
    await client.async_execute_cell(cell, len(client.nb.cells) - 1)
    return [dict(output) for output in cell.outputs]


async def _evaluate(client, expressions):
    """What the kernel answers to expressions, as Quarto asks for inline values."""
    if not expressions:
        return []
    named = {str(index): expression for index, expression in enumerate(expressions)}
    message = client.kc.execute("", silent=True, store_history=False, user_expressions=named)
    # a time limit of our own: that of nbclient knows cells only
    reply = await asyncio.wait_for(client.async_wait_for_reply(message), CELL_TIMEOUT)
    return [reply["content"]["user_expressions"][name] for name in named]


def _cell_error(chapter, step, name, value, traceback):
    """The error of a cell or inline expression, at the line of the chapter where it was raised."""
    line = step.line
    if isinstance(step, Cell):
        text = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(traceback) if isinstance(traceback, list) else str(traceback))
        inside = re.findall(r"Cell In\s*\[\d+\], line (\d+)", text)
        line = step.source_line + int(inside[0]) - 1 if inside else line
    return BookError(f"{step.name} raised {name}: {value}", chapter.path, line)
