import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobSnapshot } from '../../../src/sweep/planning/inventory.ts';
import { enoughNodes, type MeasuredNode } from '../../../src/sweep/reporting/ml-nodes.ts';
import { idleJob } from '../../support/jobs.ts';

const mb = 2 ** 20;
/** A node with `roomMb` of memory for jobs, besides the 30 MB of native code that it loads before its first job. */
const node = (roomMb: number, changes: Partial<MeasuredNode> = {}): MeasuredNode => ({
  maxBytes: (roomMb + 30) * mb,
  jobBytes: 0,
  isShared: false,
  ...changes,
});
const job = (reservedMb: number, index: number, changes: Partial<JobSnapshot> = {}): JobSnapshot =>
  idleJob({ jobId: `job-${index}`, reservedBytes: reservedMb * mb, ...changes });
const jobs = (...sizes: number[]) => sizes.map((size, index) => job(size, index));
const closed = (...indices: number[]) => new Set(indices.map((index) => `job-${index}`));
const three = [node(100), node(100), node(100)];

describe('whether fewer ML nodes would be enough', () => {
  it('fewer ML nodes are enough if the jobs that stay open fit, with room to reopen the largest closed job', () => {
    expect(enoughNodes(three, jobs(80, 60, 40, 20), closed(0, 1))).toEqual({ total: 3, enough: 2 });
    expect(enoughNodes(three, jobs(20, 20, 20), closed(0))).toEqual({ total: 3, enough: 1 });
  });

  it('at least one ML node is always needed', () => {
    expect(enoughNodes(three, jobs(20), closed(0))).toEqual({ total: 3, enough: 1 });
  });

  it('fewer ML nodes are not enough if the jobs that stay open need every node, or if there is at most one node', () => {
    expect(enoughNodes(three, jobs(80, 80, 80, 10), closed(3))).toBeUndefined();
    expect(enoughNodes([node(100)], jobs(10, 10), closed(0))).toBeUndefined();
    expect(enoughNodes([], jobs(10), closed(0))).toBeUndefined();
  });

  it('fewer ML nodes are not enough if the jobs cannot be split among them, even if the total memory would be enough', () => {
    const four = [...three, node(100)];
    expect(enoughNodes(four, jobs(60, 60, 60, 60, 1), closed(4))).toBeUndefined();
    expect(enoughNodes(four, jobs(60, 60, 60, 1), closed(3))).toEqual({ total: 4, enough: 3 });
  });

  it('the memory of the smallest node decides whether fewer ML nodes are enough', () => {
    expect(enoughNodes([node(100), node(400)], jobs(80, 30, 30, 30), closed(0))).toBeUndefined();
    expect(enoughNodes([node(400), node(400)], jobs(80, 30, 30, 30), closed(0))).toEqual({
      total: 2,
      enough: 1,
    });
  });

  it('fewer ML nodes are not enough if the nodes use more memory for jobs than their known jobs reserve', () => {
    const full = three.map((each) => ({ ...each, jobBytes: 95 * mb }));
    expect(enoughNodes(full, jobs(20, 20, 20), closed(0))).toBeUndefined();
  });

  it.each([
    ['a node has other work', [node(100, { isShared: true }), node(100), node(100)], jobs(10, 10)],
    ['what a job reserves is unknown', three, [job(10, 0), job(10, 1, { reservedBytes: undefined })]],
    ['a job is larger than a node', three, jobs(10, 120)],
  ])('fewer ML nodes are not reported as enough if %s', (_why, nodes, open) => {
    expect(enoughNodes(nodes, open, closed(0))).toBeUndefined();
  });

  it('a failed job does not matter for the number of ML nodes, because it reserves nothing', () => {
    const failed = job(0, 1, { nodeId: undefined, state: 'failed' });
    expect(enoughNodes(three, [job(10, 0), failed], closed(0))).toEqual({ total: 3, enough: 1 });
  });

  it('fewer ML nodes are enough only if no node needs to hold more than 512 jobs', () => {
    const many = Array.from({ length: 1_030 }, (_, index) => job(0, index));
    expect(enoughNodes([...three, node(100)], many, closed(0))).toEqual({ total: 4, enough: 3 });
  });

  it('for random jobs and nodes, fewer ML nodes are reported as enough only if the jobs can be split among them', () => {
    let claims = 0;
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 0, max: 4 }),
        (sizes, count, closes) => {
          const gone = closed(...Array.from({ length: closes }, (_, index) => index));
          const found = enoughNodes(
            Array.from({ length: count }, () => node(100)),
            jobs(...sizes),
            gone,
          );
          if (!found) return;
          claims += 1;
          expect(found.enough).toBeLessThan(count);
          expect(
            fits(
              sizes.slice(closes),
              Array.from({ length: found.enough }, () => 100),
            ),
          ).toBe(true);
        },
      ),
    );
    expect(claims).toBeGreaterThan(5);
  });
});

/** Whether jobs of these sizes fit onto nodes with this much free memory. Tries every way to distribute the jobs. */
function fits([size, ...rest]: readonly number[], room: readonly number[]): boolean {
  if (size === undefined) return true;
  return room.some(
    (free, index) =>
      free >= size &&
      fits(
        rest,
        room.map((each, at) => (at === index ? each - size : each)),
      ),
  );
}
