"""What a program in Python expects of a table. Run by test_python.sh."""
import os
import sqlite3
import sys
import tempfile
import threading
import unittest

FOLDER = tempfile.TemporaryDirectory()


def connect():
    db = sqlite3.connect(os.path.join(FOLDER.name, "test.db"), timeout=20)
    db.enable_load_extension(True)
    db.load_extension(sys.argv[1])
    return db


class Python(unittest.TestCase):
    def setUp(self):
        self.db = connect()
        self.db.execute("DROP TABLE IF EXISTS kv")
        self.db.execute("CREATE VIRTUAL TABLE kv USING byron")

    def tearDown(self):
        self.db.close()

    def test_values_come_back_as_they_were(self):
        values = [None, 1, -2**63, 2**63 - 1, 0.5, float("inf"), "", "a\0b", "\u00e9",
                  b"", b"\0\xff", "x" * 200000]
        with self.db:
            self.db.executemany("INSERT INTO kv VALUES (?, ?)", enumerate(values))
        rows = self.db.execute("SELECT value FROM kv ORDER BY key").fetchall()
        self.assertEqual([row[0] for row in rows], values)

    def test_an_exception_rolls_back(self):
        with self.assertRaises(ZeroDivisionError):
            with self.db:
                self.db.execute("INSERT INTO kv VALUES (1, 1)")
                raise ZeroDivisionError
        self.assertEqual(self.db.execute("SELECT count(*) FROM kv").fetchone(), (0,))

    def test_a_duplicate_key_is_an_integrity_error(self):
        self.db.execute("INSERT INTO kv VALUES (1, 1)")
        with self.assertRaisesRegex(sqlite3.IntegrityError,
                                    "^UNIQUE constraint failed: kv.key$"):
            self.db.execute("INSERT INTO kv VALUES (1, 2)")

    def test_another_connection_sees_commits_only(self):
        other = connect()
        self.db.execute("INSERT INTO kv VALUES (1, 1)")
        count = "SELECT count(*) FROM kv"
        self.assertEqual(other.execute(count).fetchone(), (0,))
        self.db.commit()
        self.assertEqual(other.execute(count).fetchone(), (1,))
        other.close()

    def test_threads_with_connections_of_their_own(self):
        errors = []

        def work(number):
            try:
                db = connect()
                for i in range(50):
                    with db:
                        db.execute("BEGIN IMMEDIATE")
                        db.execute("INSERT INTO kv VALUES (?, ?)", (number * 100 + i, i))
                db.close()
            except sqlite3.Error as error:
                errors.append(error)

        self.db.execute("PRAGMA journal_mode=WAL")
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertEqual(self.db.execute("SELECT count(*), sum(value) FROM kv").fetchone(),
                         (200, 4 * sum(range(50))))

    def test_iterdump_and_backup_do_not_crash(self):
        self.db.execute("INSERT INTO kv VALUES (1, 1)")
        self.db.commit()
        list(self.db.iterdump())
        copy = sqlite3.connect(":memory:")
        self.db.backup(copy)
        copy.close()


result = unittest.TextTestRunner(stream=sys.stdout, verbosity=0).run(
    unittest.defaultTestLoader.loadTestsFromTestCase(Python))
bad = len(result.failures) + len(result.errors)
print("python: %d passed, %d failed" % (result.testsRun - bad, bad))
sys.exit(1 if bad or not result.testsRun else 0)
