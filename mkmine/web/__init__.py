"""The web app: logs, maps, comparisons, what-ifs and reports in the browser, for those who do not write code.

Nothing is here yet. It will be served by Starlette and uvicorn, bound to 127.0.0.1 unless a password is set, and show
the results that the notebook and the command line show, with the process map of `mkmine.widgets`.
"""
