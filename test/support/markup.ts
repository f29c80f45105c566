/** HTML and SVG as a tree, by a parser that browsers agree with. */
import { type DefaultTreeAdapterMap, parse, parseFragment } from 'parse5';

type Node = DefaultTreeAdapterMap['node'];
export type Element = DefaultTreeAdapterMap['element'];

/** What the standard calls an error is one, and not mended quietly. */
export function parsedPage(text: string): readonly Element[] {
  const errors: string[] = [];
  const tree = parse(text, {
    sourceCodeLocationInfo: true,
    onParseError: ({ code, startLine }) => errors.push(`${code} in line ${startLine}`),
  });
  if (errors.length > 0) throw new Error(errors.join(', '));
  return elementsBelow(tree);
}

export function parsedFragment(text: string): readonly Element[] {
  return elementsBelow(parseFragment(text));
}

/** In the order of the text. */
export function elementsBelow(node: Node): readonly Element[] {
  const children = 'childNodes' in node ? node.childNodes : [];
  return children.flatMap((child) => ('tagName' in child ? [child, ...elementsBelow(child)] : []));
}

export function textOf(node: Node): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}

export function attributeOf({ attrs }: Element, name: string): string | null {
  return attrs.find((each) => each.name === name)?.value ?? null;
}

export function named(elements: readonly Element[], ...names: readonly string[]): readonly Element[] {
  return elements.filter(({ tagName }) => names.includes(tagName));
}
