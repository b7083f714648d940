import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type OnnxRuntime, onnxScorer } from '../../../connectors/models/onnx-scorer.ts';
import { FatalError, RecordError } from '../../../lib/errors.ts';
import type { RemoteModel } from '../../../rules/models/model.ts';
import { check } from '../../rules/kit.ts';

const TEXT = `id: churn
type: onnx
file: churn.onnx
features: [{ name: logins, value: 'count("login", "7d")' }, { name: vip, value: profile.vip == true }]`;

function model(): RemoteModel {
  const around = { models: [{ file: 'models/churn.yaml', text: TEXT }] };
  return check('{ id: a, when: { event: e } }', { context: around }).ruleSet.context.models.get('churn') as RemoteModel;
}

/** A runtime whose model gives the sum of its features as the last of two outputs. */
class Tensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
  constructor(_type: 'float32', data: Float32Array, dims: readonly number[]) {
    this.data = data;
    this.dims = dims;
  }
}

function runtime(opened: string[], seen: Tensor[]): OnnxRuntime {
  return {
    Tensor,
    InferenceSession: {
      create: async (file) => {
        opened.push(file);
        if (file.includes('broken')) throw new Error('no such file');
        return {
          inputNames: ['input'],
          outputNames: ['label', 'probabilities'],
          run: async (feeds) => {
            const tensor = feeds['input'] as Tensor;
            seen.push(tensor);
            const sum = tensor.data.reduce((a, b) => a + b, 0);
            return { label: { data: [1n] }, probabilities: { data: [1 - sum, sum] } };
          },
        };
      },
    },
  };
}

const request = (features: Record<string, number | boolean | null>) => ({
  entity: { type: 'user', id: 'u1' },
  features,
  at: 1,
});
const { signal } = new AbortController();

test('features go in as one row in the order of the file, and the last number out is the score', async () => {
  const opened: string[] = [];
  const seen: Tensor[] = [];
  const scorer = onnxScorer(model(), () => runtime(opened, seen));
  assert.equal(await scorer.score(request({ vip: true, logins: 2 }), signal), 3);
  assert.equal(await scorer.score(request({ vip: false, logins: 4 }), signal), 4);
  assert.deepEqual(opened, ['models/churn.onnx']);
  assert.deepEqual(
    seen.map(({ data, dims }) => [[...data], dims]),
    [
      [
        [2, 1],
        [1, 2],
      ],
      [
        [4, 0],
        [1, 2],
      ],
    ],
  );
});

test('a feature that is no number, and a file that cannot be read, give no score', async () => {
  const scorer = onnxScorer(model(), () => runtime([], []));
  await assert.rejects(scorer.score(request({ logins: null, vip: true }), signal), RecordError);
  const broken = onnxScorer({ ...model(), target: 'broken.onnx' }, () => runtime([], []));
  await assert.rejects(broken.score(request({ logins: 1, vip: true }), signal), /cannot be used: no such file/);
});

test('without the optional package, what is to be installed is said at the start', () => {
  assert.throws(
    () => onnxScorer(model()),
    (error) =>
      error instanceof FatalError &&
      error.code === 'TRG_MODEL_UNAVAILABLE' &&
      /npm install onnxruntime-node/.test(error.message),
  );
});
