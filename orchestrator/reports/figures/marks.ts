/**
 * What a chart is made of: shapes within its picture, each with the name of how it looks. The page, SVG and PDF draw the
 * same ones, so that no format can show another picture than the others.
 */
import type { LookName } from './chart-style.js';

export type Mark =
  | {
      readonly kind: 'line';
      readonly look: LookName;
      readonly from: readonly [x: number, y: number];
      readonly to: readonly [x: number, y: number];
    }
  /** `d`: as SVG writes a path. */
  | { readonly kind: 'path'; readonly look: LookName; readonly d: string }
  | { readonly kind: 'circle'; readonly look: LookName; readonly x: number; readonly y: number; readonly r: number }
  | {
      readonly kind: 'text';
      readonly look: LookName;
      readonly text: string;
      readonly x: number;
      /** Of the line that letters stand on. */
      readonly y: number;
      readonly anchor: 'start' | 'middle' | 'end';
      /** Read from below to above; x and y are places of the picture all the same. */
      readonly isUpright?: boolean;
    };

export interface MarkGroup {
  /** Of the series that they belong to; `null`: to none. */
  readonly series: number | null;
  readonly marks: readonly Mark[];
}
