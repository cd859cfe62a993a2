"""The guide's troubleshooting list, word for word."""

import re

from hera_rollout.troubleshooting import ISSUES, Entry


def test_issues_and_entries_are_the_guides(guide):
    section = guide.split("## Troubleshooting")[1].split("\n## ")[0]
    found = {
        title: tuple(re.findall(r"^- (.+)$", body, re.MULTILINE))
        for title, body in re.findall(r"### Issue: ([^\n]+)\n(.*?)(?=\n### |\Z)", section, re.DOTALL)
    }
    assert {issue: tuple(entry.value for entry in entries) for issue, entries in ISSUES.items()} == found


def test_each_entry_stands_under_one_issue():
    assert sorted(entry for entries in ISSUES.values() for entry in entries) == sorted(Entry)
    assert Entry.PVC.reference == "guide, “Workflows not creating”: PVC is available"
