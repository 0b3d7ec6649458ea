"""The verbs `data check` and `data prepare`: what they say on nothing, on a part and on everything, and their exit codes."""

from __future__ import annotations

import json
import shutil

import pytest
from test_cli import call
from test_official_prepare import authors, darn_labels, darn_raw, darn_split, deepfashion_raw, fashionai, put

from asen_core.data.official import DATASETS, Preparation, prepare

__all__ = ["fashionai"]


@pytest.mark.parametrize("dataset", list(DATASETS))
def test_check_of_nothing_says_what_to_get_and_where(tmp_path, dataset):
    result = call("data", "check", dataset, "--data", tmp_path / "none", code=1)
    facts = DATASETS[dataset]
    assert "Missing lists (8): filenames_train.txt, " in result.stdout
    for text in ("filenames_train.txt", "candidate_test.txt", "data.zip", facts.terms, f"data prepare {dataset} --raw"):
        assert text in result.stdout
    names = "names known without meta.json" if dataset == "FashionAI" else "no meta.json, so they go by their numbers"
    assert f"Values: {names}." in result.stdout
    for source in (facts.lists_from, *facts.photos_from):
        assert source.what in result.stdout
        assert source.address in result.stdout
        assert source.access in result.stdout


def test_check_counts_photos_and_names_the_first(tmp_path, fashionai):
    prepare(Preparation("FashionAI", fashionai[0], tmp_path))
    complete = call("data", "check", "fashionai", "--data", tmp_path)
    assert "Complete: all lists and all 280 photos are there." in complete.stdout
    assert "made here with seed 0; not the authors'" in complete.stdout
    assert f"Values: names from {tmp_path / 'meta.json'}." in complete.stdout
    assert "Not the published sizes: filenames_valid.txt, query_valid.txt" in complete.stdout
    root = tmp_path / "FashionAI"
    listed = (root / "filenames_test.txt").read_text().split()
    for name in listed[:2]:
        (root / name).unlink()
    (root / "label_train.txt").unlink()
    partial = call("data", "check", "FashionAI", "--data", tmp_path, code=1)
    assert "Missing lists (1): label_train.txt." in partial.stdout
    assert f"Missing photos (2 of 280): {listed[0]}, {listed[1]}." in partial.stdout
    assert "26 of 28" in partial.stdout
    assert "fashionAI_attributes_train1.zip" in partial.stdout
    again = f"python -m asen_core data prepare FashionAI --raw DOWNLOADS --seed 0 --out {tmp_path}\n"
    assert f"this makes the same split again:\n{again}" in partial.stdout


def test_check_in_json(tmp_path, fashionai):
    prepare(Preparation("FashionAI", fashionai[0], tmp_path))
    root = tmp_path / "FashionAI"
    listed = (root / "filenames_valid.txt").read_text().split()
    (root / listed[3]).unlink()
    put(root / "query_test.txt", "0 0")
    result = call("data", "check", "FashionAI", "--data", tmp_path, "--json", code=1)
    found = json.loads(result.stdout)
    assert (found["complete"], found["photos"], found["photos_found"]) == (False, 280, 279)
    assert found["missing_photos"] == [listed[3]]
    lists = {entry["file"]: entry for entry in found["lists"]}
    assert lists["label_train.txt"] == {
        "file": "label_train.txt", "lines": 224, "published": None, "photos": 224, "missing_photos": 0, "fault": None,
    }  # fmt: skip
    assert "2 fields where" in lists["query_test.txt"]["fault"]
    assert lists["query_valid.txt"]["published"] == 3600
    assert [s["what"][:8] for s in found["sources"]] == ["data.zip", "fashionA"]


def test_a_refusal_is_shown_once(tmp_path, fashionai):
    prepare(Preparation("FashionAI", fashionai[0], tmp_path))
    put(tmp_path / "FashionAI" / "filenames_test.txt", "../x.jpg")
    result = call("data", "check", "FashionAI", "--data", tmp_path, code=1)
    assert result.stdout.count("is no path below") == 1
    assert result.stdout.count("needs filenames_test.txt") == 2
    assert result.stdout.count("3,600") == 2
    put(tmp_path / "FashionAI" / "filenames_test.txt", *(tmp_path / "FashionAI" / "filenames_valid.txt").read_text().split())
    put(tmp_path / "FashionAI" / "candidate_test.txt", *(tmp_path / "FashionAI" / "query_test.txt").read_text().splitlines())
    result = call("data", "check", "FashionAI", "--data", tmp_path, code=1)
    assert result.stdout.count("Among the queries of the same attribute are 14 candidates of FashionAI (test)") == 1
    assert result.stdout.count("refused") == 1
    meta = tmp_path / "meta.json"
    meta.write_text(meta.read_text().replace('"neck_design": 5', '"neck_design": 6'))
    result = call("data", "check", "FashionAI", "--data", tmp_path, code=1)
    assert result.stdout.count("gives neck_design of FashionAI 6 values; published are 5") == 1


def test_the_command_that_follows_a_refusal_can_work(tmp_path, fashionai):
    """What is printed is done: the lists named are deleted, then the command is run, and all is complete."""
    raw, _ = fashionai
    prepare(Preparation("FashionAI", raw, tmp_path / "data"))
    root = tmp_path / "data" / "FashionAI"
    put(root / "query_test.txt", *(root / "query_test.txt").read_text().splitlines()[:3])
    refused = call("data", "check", "FashionAI", "--data", tmp_path / "data", code=1).stdout
    assert "11 of the 28 photos that" in refused
    assert refused.count("refused") == 2
    old = ("filenames_test.txt", "query_test.txt", "candidate_test.txt")
    assert f"First delete these from {root}: {', '.join(old)}." in refused
    command = refused.splitlines()[-1].split()
    assert command == f"python -m asen_core data prepare FashionAI --raw DOWNLOADS --seed 0 --out {tmp_path / 'data'}".split()
    for name in old:
        (root / name).unlink()
    call(*(raw if word == "DOWNLOADS" else word for word in command[3:]))


def test_lists_that_should_be_the_authors_and_are_not_whole(tmp_path, fashionai):
    raw, labels = fashionai
    prepare(Preparation("FashionAI", raw, tmp_path / "data", authors(labels, tmp_path / "lists")))
    result = call("data", "check", "FashionAI", "--data", tmp_path / "data", code=1)
    assert (
        "Not the authors' lists, or not all of them, by the published sizes: filenames_valid.txt 40 of 18,000" in result.stdout
    )
    assert "First delete these from" in result.stdout
    assert f"--raw DOWNLOADS --split LISTS --out {tmp_path / 'data'}" in result.stdout
    found = json.loads(call("data", "check", "FashionAI", "--data", tmp_path / "data", "--json", code=1).stdout)
    assert (found["complete"], found["origin"], len(found["other_sizes"])) == (False, "authors", 6)


def test_only_photos_missing_take_the_lists_that_are_there(tmp_path):
    split = darn_split(tmp_path / "lists", darn_labels())
    raw = darn_raw(tmp_path / "raw", darn_labels())
    prepare(Preparation("DARN", raw, tmp_path / "data", split))
    root = tmp_path / "data" / "DARN"
    (root / "pic" / "7.jpg").unlink()
    result = call("data", "check", "DARN", "--data", tmp_path / "data", code=1)
    assert "First delete" not in result.stdout
    command = result.stdout.splitlines()[-1].split()
    assert command[-4:] == ["--split", str(root), "--out", str(tmp_path / "data")]
    assert "Complete" in call(*(raw if word == "DOWNLOADS" else word for word in command[3:])).stdout


def test_drawn_garments_are_drawn_again(tmp_path):
    call("render", "--layout", "DARN", "--out", tmp_path, "--count", 5, "--train", 6, "--seed", 2, "--workers", 1)
    root = tmp_path / "DARN"
    put(root / "label_train.txt", *(root / "label_train.txt").read_text().splitlines()[:4])
    result = call("data", "check", "DARN", "--data", tmp_path, code=1)
    assert "2 of the 6 photos" in result.stdout
    assert "Where to get them" not in result.stdout
    assert f"Delete {root}, then this draws them again:" in result.stdout
    again = f"render --layout DARN --out {tmp_path} --train 6 --valid 5 --count 5 --seed 2"
    assert result.stdout.splitlines()[-1] == f"python -m asen_core {again}"
    shutil.rmtree(root)
    call(*again.split(), "--workers", 1)
    assert "Complete" in call("data", "check", "DARN", "--data", tmp_path).stdout


@pytest.mark.parametrize("verb", [("data", "check", "DARN"), ("evaluate", "--dataset", "DARN")])
def test_the_folder_of_another_benchmark(tmp_path, fashionai, verb):
    prepare(Preparation("FashionAI", fashionai[0], tmp_path))
    result = call(*verb, "--data", tmp_path / "FashionAI", code=1)
    said = f"{tmp_path / 'FashionAI'} holds FashionAI, not DARN: it is named so. Give the folder that holds DARN, or ask for"
    assert said in result.stdout + result.stderr
    assert "Complete" not in result.stdout
    assert "elete" not in result.stdout


def test_prepare_says_whose_split_it_is(tmp_path, fashionai):
    result = call("data", "prepare", "FashionAI", "--raw", fashionai[0], "--out", tmp_path / "data", "--seed", 4)
    assert "This is not the authors' split: it was made here with seed 4" in result.stderr
    assert "Complete: all lists and all 280 photos are there." in result.stdout
    again = call("data", "prepare", "FashionAI", "--raw", fashionai[0], "--out", tmp_path / "data", "--seed", 4, "--json")
    found = json.loads(again.stdout)
    assert (found["new_photos"], found["complete"]) == (0, True)
    copied = call("data", "prepare", "FashionAI", "--raw", fashionai[0], "--split", tmp_path / "data", "--out", tmp_path / "x")
    assert "FashionAI: made here with seed 4; not the authors'" in copied.stdout


def test_prepare_of_photos_without_labels_and_of_dropped_ones(tmp_path):
    raw, _ = deepfashion_raw(tmp_path / "deep")
    result = call("data", "prepare", "DeepFashion", "--raw", raw, "--out", tmp_path / "data")
    assert "have no label or are in no list: 4 photos" in result.stderr
    raw = darn_raw(tmp_path / "darn", darn_labels(), gone=frozenset({"pic/5.jpg"}))
    refused = call("data", "prepare", "DARN", "--raw", raw, "--out", tmp_path / "data", code=1)
    assert "aria2c -i" in refused.stderr
    dropped = call("data", "prepare", "DARN", "--raw", raw, "--out", tmp_path / "data", "--allow-missing")
    assert "Dropped, as they are not there: 1 listed photos; " in dropped.stderr
    assert "; 1 listed photo dropped" in call("data", "check", "DARN", "--data", tmp_path / "data").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "FashionAI"),
        ("check", "Fashion", "--data", "x"),
        ("prepare", "FashionAI", "--raw", "x"),
        ("prepare", "DARN", "--raw", "x", "--out", "y", "--photos", "move"),
        ("prepare", "DARN", "--raw", "x", "--out", "y", "--seed", "-1"),
    ],
)
def test_wrong_usage(arguments):
    call("data", *arguments, code=2)


def test_help_of_the_group():
    result = call("data", "--help")
    assert "check" in result.stdout
    assert "prepare" in result.stdout
