"""The declaration of columns agrees with itself, and people get it beside the tables."""

import columns
from localbg.io.columns import COLUMNS, TYPES
from localbg.io.table_summaries import SUMMARIES
from small_study import read_text


def test_a_column_of_one_name_has_one_type_in_all_tables():
    for of_table in COLUMNS.values():
        assert {name: column.type for name, column in of_table.items()}.items() <= TYPES.items()


def test_the_table_of_columns_has_units_and_describes_itself(tmp_path):
    columns.main(str(tmp_path / "columns.csv"), str(tmp_path / "README.md"))
    rows = {(row["table"], row["column"]): row for row in read_text(tmp_path / "columns.csv")}
    assert len(rows) == sum(map(len, COLUMNS.values()))
    assert rows["spots", "snr"]["unit"] == "noise SD"
    assert rows["spots", "core_area"]["type"] == "int"
    assert rows["columns", "unit"]["meaning"] == "of the values; empty: none"
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert all(f"- `{name}.csv`: {said}" in text for name, said in SUMMARIES.items())
