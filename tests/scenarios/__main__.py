"""Print the table of scenarios as Markdown."""

from tests.scenarios.registry import markdown

for line in markdown():
    print(line)
