"""Failures: a record in place of a result, and back."""

from localbg.core.failures import Failure, StepFailed, read_failure, write_failure


def test_a_failure_is_read_as_it_was_written(tmp_path):
    failure = Failure("read", "a.tif ist für „Fiji“ leer")
    write_failure(failure, [tmp_path / "plain", tmp_path / "marked"], "")
    write_failure(failure, [tmp_path / "marked"], "0123456789abcdef")
    assert read_failure(tmp_path / "plain") == read_failure(tmp_path / "marked") == failure
    text = (tmp_path / "marked").read_text(encoding="utf-8")
    assert text == (
        '{"failed_step": "read", "fingerprint": "0123456789abcdef", '
        '"reason": "a.tif ist für „Fiji“ leer"}\n'
    )


def test_a_record_of_a_result_is_no_failure(tmp_path):
    (tmp_path / "result").write_text('{"threshold": 5}', encoding="utf-8")
    assert read_failure(tmp_path / "result") is None
    assert Failure.from_record({"threshold": 5}) is None
    assert Failure.from_record(Failure("read", "torn").record) == Failure("read", "torn")


def test_what_was_raised_says_step_and_reason():
    assert str(StepFailed(Failure("read", "torn"))) == "read: torn"
