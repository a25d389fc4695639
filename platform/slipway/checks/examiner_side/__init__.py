"""The program that runs in the examiner: it forks one confined process for each check and carries its questions.

Standard library only, Python 3.11 and later. Three kinds of process: the supervisor speaks with the platform, the
zygote never sees anything but which number to fork, and each child runs one check and knows of nothing else.
"""
