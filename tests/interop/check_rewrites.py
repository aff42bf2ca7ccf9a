"""Compares Parquet files with their rewrites, as readers see them that share no code with the rewriter.

usage: check_rewrites.py ORIGINALS_DIR REWRITTEN_DIR

For each *.parquet below ORIGINALS_DIR there is either a file of the same name in REWRITTEN_DIR, or one with `.refused`
behind it that says why there is none. Compared are: values and their order (pyarrow), values as multisets (DuckDB), schema
and physical types, row groups, statistics, codecs, sorting, bloom filters, page indexes, key-value metadata and the writer's
name. A file that a reader cannot read before need not be readable after. Of a `.cut` of a file the first row of each row
group left that has another one: the other rows are compared, also by a reader that keeps dictionaries as they are.
Ends with 1 if anything differs.
"""
import pathlib
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

# A few kilobytes of the corpus hold gigabytes.
VALUES_BYTES_MAX = 1 << 28


def stated(path):
    """What the footer states, without places and sizes."""
    meta = pq.ParquetFile(path).metadata
    groups = []
    for g in range(meta.num_row_groups):
        group = meta.row_group(g)
        columns = []
        for c in range(group.num_columns):
            column = group.column(c)
            s = column.statistics
            statistics = s and (s.has_min_max, s.min_raw if s.has_min_max else None, s.max_raw if s.has_min_max else None,
                                s.has_null_count and s.null_count,
                                s.has_distinct_count and s.distinct_count, s.physical_type)
            columns.append({
                'path': column.path_in_schema, 'type': column.physical_type, 'codec': column.compression,
                'values': column.num_values, 'statistics': statistics, 'column index': column.has_column_index,
                'offset index': column.has_offset_index, 'encodings': sorted(column.encodings)})
        groups.append({'rows': group.num_rows, 'sorting': repr(group.sorting_columns), 'columns': columns})
    return {'writer': meta.created_by, 'version': meta.format_version, 'key-value metadata': meta.metadata,
            'rows': meta.num_rows, 'schema': str(meta.schema).split('\n')[1:], 'groups': groups}


def filters(connection, path):
    """Which chunks have a bloom filter, and how long it is."""
    return connection.execute(
        'select row_group_id, column_id, bloom_filter_offset is not null, bloom_filter_length '
        f"from parquet_metadata('{path}') order by 1, 2").fetchall()


def column_metadata(connection, path):
    """Statistics as DuckDB reads them."""
    return connection.execute(
        'select row_group_id, column_id, path_in_schema, type, stats_min, stats_max, stats_null_count, stats_distinct_count, '
        f"stats_min_value, stats_max_value, compression, encodings from parquet_metadata('{path}') order by 1, 2").fetchall()


def first_difference(a, b, where=''):
    """Where two nested values differ first."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return next((d for k in a if (d := first_difference(a[k], b[k], f'{where}/{k}'))), None)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)) and len(a) == len(b):
        return next((d for i, (x, y) in enumerate(zip(a, b)) if (d := first_difference(x, y, f'{where}/{i}'))), None)
    return None if a == b else f'{where}: {a!r:.200} became {b!r:.200}'


def plain_bytes(path):
    """Bytes of all pages before compression; 0 when pyarrow cannot tell."""
    try:
        meta = pq.ParquetFile(path).metadata
        return sum(meta.row_group(g).total_byte_size for g in range(meta.num_row_groups))
    except pa.ArrowException:
        return 0


def attempt(read, path):
    try:
        return read(path), None
    except Exception as error:  # whatever a reader does with a file that it cannot read
        return None, error


def compare(original, rewrite, connection):
    """Differences, and which comparisons could be made."""
    differences, done = [], []
    def both(name, read, same):
        before, unreadable = attempt(read, original)
        if unreadable:
            return
        after, unreadable = attempt(read, rewrite)
        if unreadable:
            differences.append(f'{name}: the rewrite cannot be read: {unreadable}')
            return
        done.append(name)
        if not same(before, after):
            differences.append(f'{name} differ {"" if name.endswith("values") else first_difference(before, after)}')

    def equal_tables(a, b):
        # NaN is not equal to itself; as text it is.
        return a.equals(b, check_metadata=True) or (a.schema == b.schema and repr(a.to_pylist()) == repr(b.to_pylist()))

    both('pyarrow metadata', stated, lambda a, b: a == b)
    small = max(plain_bytes(original), plain_bytes(rewrite)) < VALUES_BYTES_MAX
    if small:
        both('pyarrow values', pq.read_table, equal_tables)
    else:
        done.append('values not compared, they are too large')
    both('duckdb bloom filters', lambda path: filters(connection, path), lambda a, b: a == b)
    both('duckdb metadata', lambda path: column_metadata(connection, path), lambda a, b: a == b)
    def difference(path):
        # The original is compared with itself first: it shows whether DuckDB can read it and compare its types.
        left, right = f"(from '{original}')", f"(from '{path}')"
        return connection.execute(
            f'select (select count(*) from {left}), (select count(*) from {right}), '
            f'(select count(*) from ({left} except all {right})), (select count(*) from ({right} except all {left}))').fetchone()
    if small:
        both('duckdb values', difference, lambda a, b: a == b and b[2:] == (0, 0))
    return differences, done


def rows_of(path, first, kept):
    """Rows of each row group as text, from row `first` on where there are more, texts as dictionaries where `kept`."""
    file = pq.ParquetFile(path)
    texts = [c.name for c in file.schema_arrow if pa.types.is_string(c.type) or pa.types.is_binary(c.type)]
    file = pq.ParquetFile(path, read_dictionary=texts if kept else None)
    groups = [file.read_row_group(g) for g in range(file.num_row_groups)]
    return [repr(group.slice(first if group.num_rows > 1 else 0).to_pylist()) for group in groups]


def compare_cut(original, cut):
    """How many ways of reading agree, and what differs."""
    agree, differ = 0, []
    for kept in (False, True):
        before, unreadable = attempt(lambda path: rows_of(path, 1, kept), original)
        if unreadable:
            continue
        after, unreadable = attempt(lambda path: rows_of(path, 0, kept), cut)
        agree += before == after
        if before != after:
            differ.append(f'{"dictionaries" if kept else "values"}: {unreadable or "other rows"}')
    return agree, differ


def cuts(originals, rewritten):
    """Compares what was cut; returns how many files differ, and how many were compared."""
    failed = compared = 0
    for cut in sorted(pathlib.Path(rewritten).glob('*.cut')):
        own = cut.with_suffix('.original')
        original = own if own.exists() else pathlib.Path(originals) / cut.stem
        if plain_bytes(original) >= VALUES_BYTES_MAX:
            continue
        agree, differ = compare_cut(original, cut)
        compared += agree > 0
        failed += bool(differ)
        for difference in differ:
            print(f'DIFFERS  {cut.name}: {difference}')
    print(f'{compared} without their first rows, {failed} failed')
    return failed, compared


def main(originals, rewritten):
    connection = duckdb.connect()
    connection.execute('set threads = 1')
    failed, compared, refused = 0, 0, 0
    for original in sorted(pathlib.Path(originals).rglob('*.parquet')):
        rewrite = pathlib.Path(rewritten) / original.relative_to(originals)
        refusal = rewrite.with_name(rewrite.name + '.refused')
        if refusal.exists() and not rewrite.exists() and refusal.read_text().strip():
            refused += 1
            print(f'refused  {original.name}: {refusal.read_text().strip()}')
            continue
        if not rewrite.exists():
            failed += 1
            print(f'MISSING  {original.name}')
            continue
        differences, done = compare(original, rewrite, connection)
        compared += 1
        failed += bool(differences)
        print(f'{"DIFFERS" if differences else "same"}  {original.name} ({", ".join(done)})')
        for difference in differences:
            print(f'    {difference}')
    print(f'{compared} compared, {refused} refused, {failed} failed')
    wrong, cut = cuts(originals, rewritten)
    return 1 if failed or wrong or not compared or not cut else 0


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
