import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readRecords, writeRecords } from '../../../src/cli/input/records.ts';
import { newFolder } from '../../support/folder.ts';

const hour = 3_600_000;
const start = Date.parse('2026-05-20T12:00:00Z');
const record = (stateFolder: string, at: number, clusterId = 'cluster') =>
  writeRecords(stateFolder, { clusterId, at, jobs: [], isWhole: true });

describe('records of sweeps', () => {
  it('the newest 120 records of each cluster are kept and older ones deleted', async () => {
    await using folder = await newFolder();
    await record(folder.path, start, 'another cluster');
    for (let index = 0; index < 123; index += 1)
      expect(await record(folder.path, start + index * hour)).toBeUndefined();
    const read = await readRecords(folder.path, 'cluster', 0);
    expect('value' in read && read.value.wholeAt).toEqual(
      Array.from({ length: 120 }, (_, index) => start + (index + 3) * hour),
    );
    const other = await readRecords(folder.path, 'another cluster', 0);
    expect('value' in other && other.value.wholeAt).toEqual([start]);
    const files = await readdir(folder.at('records'), { recursive: true });
    expect(files.filter((name) => name.endsWith('.gz'))).toHaveLength(121);
    expect(files.filter((name) => /(^|\/)\./.test(name))).toEqual([]);
  }, 20_000);

  it('if records of sweeps are less than ten minutes apart, only the later record is kept', async () => {
    await using folder = await newFolder();
    for (const minutes of [0, 9, 20]) await record(folder.path, start + minutes * 60_000);
    const read = await readRecords(folder.path, 'cluster', 0);
    expect('value' in read && read.value.wholeAt).toEqual([start + 9 * 60_000, start + 20 * 60_000]);
  });
});
