/** What makes two trials the same: a hash of all that training and its test read, and of nothing else. */
import { canonicalJson } from '../canonical-json.js';
import { type DatasetSource, ENGINE_VERSION, type ModelSource, type TrialSettings } from '../domain.js';

const ID_LENGTH = 20;

/** SHA-256 of a text's UTF-8 bytes in hex; core loads no node module, so that it comes from outside. */
export type Sha256 = (text: string) => string;

/**
 * Gives a function from trials to ids. It remembers the text of each source, since a weights index or a teacher in
 * a hundred files is long and a grid has few sources.
 */
export function createTrialIds(
  sha256: Sha256,
): (settings: TrialSettings, model: ModelSource, dataset: DatasetSource) => string {
  const texts = new Map<ModelSource | DatasetSource, string>();
  const textOf = <T extends ModelSource | DatasetSource>(source: T, read: (source: T) => unknown): string => {
    const text = texts.get(source) ?? canonicalJson(read(source));
    texts.set(source, text);
    return text;
  };
  return (settings, model, dataset) => {
    const { model: _, dataset: name, ...read } = settings;
    const parts = [
      `"dataset":${textOf(dataset, (source) => datasetIdentity(source, name))}`,
      `"engine":${ENGINE_VERSION}`,
      `"model":${textOf(model, modelIdentity)}`,
      `"settings":${canonicalJson(read)}`,
    ];
    return sha256(`{${parts.join(',')}}`).slice(0, ID_LENGTH);
  };
}

/** Not where it is or what it is called: a copy elsewhere is the same model. */
function modelIdentity({ files }: ModelSource): unknown {
  return files.map(({ role, path, sha256 }) => ({ role, path, sha256 }));
}

/** A dataset of the release is read by the rules for its name; one of a user's own by its fields and templates. */
function datasetIdentity({ layout, metric, fields, templates, choices, files }: DatasetSource, name: string): unknown {
  return {
    layout,
    parser: layout === 'release' ? name : null,
    metric,
    fields,
    templates,
    files: files.map(({ role, sha256 }) => ({ role, sha256 })),
    // They train nothing, but the result has an accuracy among them, which is no other list's.
    ...(choices.length > 0 ? { choices } : {}),
  };
}
