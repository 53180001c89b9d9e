import unittest

import table

KINDS = {"fuel-1": "A", "fuel-2": "B"}


def record(index, version, correct=True, step=0.5):
    return {"index": index, "time": 100 + step * index, "version": version, "correct": correct}


class BlindSpot(unittest.TestCase):
    def test_ends_with_the_first_answer_of_a_version_made_for_the_data(self):
        records = [record(0, "fuel-1"), record(1, None, False), record(2, "fuel-1"), record(3, "fuel-2"), record(4, "fuel-1")]
        self.assertEqual(table.blind_spot(records, "B", KINDS), table.BlindSpot(3, 1.5, True))

    def test_is_nothing_where_the_right_version_answers_at_once(self):
        self.assertEqual(table.blind_spot([record(0, "fuel-1")], "A", KINDS), table.BlindSpot(0, 0.0, True))

    def test_says_that_it_did_not_end(self):
        records = [record(0, "fuel-1"), record(1, "fuel-1")]
        self.assertEqual(table.blind_spot(records, "B", KINDS), table.BlindSpot(2, 0.5, False))

    def test_a_version_of_mixed_data_does_not_end_it(self):
        blind = table.blind_spot([record(0, "fuel-3")], "B", {"fuel-3": "mixed"})
        self.assertFalse(blind.ended)

    def test_no_requests_are_no_end(self):
        self.assertFalse(table.blind_spot([], "A", KINDS).ended)


class Numbers(unittest.TestCase):
    def test_a_failed_request_is_a_wrong_answer(self):
        self.assertEqual(table.accuracy([record(0, "fuel-1"), record(1, None, False)]), 0.5)
        self.assertEqual(table.failed([record(0, "fuel-1"), record(1, None, False)]), 1)

    def test_no_requests_have_no_accuracy(self):
        self.assertIsNone(table.accuracy([]))

    def test_the_last_answer_says_who_serves(self):
        self.assertEqual(table.served([record(0, "fuel-1"), record(1, "fuel-2"), record(2, None, False)]), "fuel-2")

    def test_a_versions_kind_comes_from_the_rows_that_it_was_trained_on(self):
        self.assertEqual(table.kind_of({"rows_of_A": "180", "rows_of_B": "0"}), "A")
        self.assertEqual(table.kind_of({"rows_of_A": "10", "rows_of_B": "170"}), "B")
        self.assertEqual(table.kind_of({"rows_of_A": "90", "rows_of_B": "90"}), "mixed")
        self.assertEqual(table.kind_of({}), "mixed")

    def test_accuracy_is_split_at_the_end_of_the_blind_spot(self):
        records = [record(0, "fuel-1", False), record(1, "fuel-1", False), record(2, "fuel-2"), record(3, "fuel-2")]
        row = table.summary(table.Phase("B first", "B", records, KINDS, ["fuel-2"]))
        self.assertEqual((row["accuracyBlind"], row["accuracyAfter"], row["accuracy"]), (0.0, 1.0, 0.5))
        self.assertEqual((row["served"], row["trainJobs"]), ("fuel-2", ["fuel-2"]))


class Text(unittest.TestCase):
    def rows(self):
        a = table.Phase("A again", "A", [record(0, "fuel-2", False), record(1, "fuel-1")], KINDS)
        return [table.summary(a)]

    def test_columns_are_aligned_and_say_what_ran(self):
        lines = table.render("with switch", self.rows()).splitlines()
        self.assertEqual(lines[0], "with switch")
        self.assertEqual(lines[1].index("served by"), lines[3].index("fuel-1"))
        self.assertEqual(lines[1].index("blind spot"), lines[3].index("1 req, 0.5 s"))
        self.assertTrue(lines[3].endswith("nothing"))

    def test_phases_without_a_counterpart_are_left_out_of_the_comparison(self):
        other = table.summary(table.Phase("A again", "A", [record(0, "fuel-2", False), record(1, "fuel-3")], {"fuel-3": "A"}, ["fuel-3"]))
        alone = table.summary(table.Phase("numpy moves", "B", [], KINDS))
        lines = table.compare(self.rows() + [alone], [other]).splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn("0 trained", lines[1])
        self.assertTrue(lines[1].endswith("1 trained"))


if __name__ == "__main__":
    unittest.main()
