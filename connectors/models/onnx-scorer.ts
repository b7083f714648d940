// A model in an ONNX file, run by the optional package onnxruntime-node. One tensor of features in, one number out.
//
// Owns: loading package and file. Neither is asked for by an installation without such models.

import { createRequire } from 'node:module';
import { describeError, FatalError, RecordError } from '../../lib/errors.ts';
import type { RemoteModel } from '../../rules/models/model.ts';
import type { JsonObject } from '../../schemas/json.ts';
import type { Scorer } from './scorer.ts';

const PACKAGE = 'onnxruntime-node';

/** What of the package is used. */
export interface OnnxRuntime {
  readonly InferenceSession: { create(file: string): Promise<OnnxSession> };
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => unknown;
}

interface OnnxSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(
    feeds: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, { readonly data: ArrayLike<number | bigint> }>>>;
}

/** Throws FatalError TRG_MODEL_UNAVAILABLE when the package is not installed. */
export function onnxScorer(model: RemoteModel, load: () => OnnxRuntime = installedRuntime(model)): Scorer {
  const runtime = load();
  let session: Promise<OnnxSession> | null = null;
  return {
    async score({ features }) {
      session ??= runtime.InferenceSession.create(model.target);
      const { inputNames, outputNames, run } = await bound(session, model);
      const values = Float32Array.from(model.inputs, (name) => figureOf(features, name, model));
      const results = await run({ [inputNames[0]!]: new runtime.Tensor('float32', values, [1, values.length]) });
      // Classifiers answer with labels first and probabilities last: the last number of the last output counts.
      const { data } = results[outputNames.at(-1)!]!;
      const score = Number(data[data.length - 1]);
      if (Number.isFinite(score)) return score;
      throw new RecordError('TRG_MODEL_FAILED', `the model ${model.id} gave no number`, { model: model.id });
    },
    close: async () => {},
  };
}

async function bound(session: Promise<OnnxSession>, model: RemoteModel) {
  try {
    const opened = await session;
    const { inputNames, outputNames } = opened;
    return { inputNames, outputNames, run: (feeds: Readonly<Record<string, unknown>>) => opened.run(feeds) };
  } catch (cause) {
    const message = `the file of the model ${model.id} cannot be used: ${describeError(cause)}`;
    throw new RecordError('TRG_MODEL_FAILED', message, { model: model.id }, cause);
  }
}

function figureOf(features: JsonObject, name: string, model: RemoteModel): number {
  const value = features[name];
  const figure = typeof value === 'boolean' ? Number(value) : value;
  if (typeof figure === 'number') return figure;
  throw new RecordError('TRG_MODEL_FAILED', `the feature ${name} of the model ${model.id} is not a number`);
}

function installedRuntime({ id }: RemoteModel): () => OnnxRuntime {
  return () => {
    try {
      return createRequire(import.meta.url)(PACKAGE) as OnnxRuntime;
    } catch (cause) {
      throw new FatalError(
        'TRG_MODEL_UNAVAILABLE',
        `the model ${id} is of type onnx, which needs the package ${PACKAGE}: npm install ${PACKAGE}`,
        { model: id },
        cause,
      );
    }
  };
}
