/** The web API's description, made from the routes that the server serves. */
import { z } from 'zod';
import { Problem } from './answers.js';
import { PARAMETERS, type ParameterName, type Route } from './route.js';

export const API = '/api/v1';

export function openapiOf(routes: readonly Route[], version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = `${API}${route.path}`;
    paths[path] = { ...paths[path], [route.verb]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'dss',
      version,
      description:
        'Sweeps, trials and workers as they stand. Reads change nothing; POST acts, and needs a token of role `submit`.',
    },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    paths,
  };
}

function operationOf({ path, verb, summary, needs, query, answer }: Route) {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as ParameterName);
  const content =
    answer === null
      ? { 'text/event-stream': { schema: { type: 'string' } } }
      : { 'application/json': { schema: z.toJSONSchema(answer) } };
  return {
    operationId: `${verb}${path.replace(/[^a-z]+(\w)/g, (_, letter: string) => letter.toUpperCase()).replace('}', '')}`,
    summary,
    security: needs === 'read' ? [{}, { token: [] }] : [{ token: [] }],
    parameters: [
      ...inPath.map((name) => parameterOf(name, 'path')),
      ...query.map((name) => parameterOf(name, 'query')),
    ],
    responses: {
      200: { description: summary, content },
      default: {
        description: 'What was refused, and the next step',
        content: { 'application/json': { schema: z.toJSONSchema(Problem) } },
      },
    },
  };
}

function parameterOf(name: ParameterName, place: 'path' | 'query') {
  const { pattern, says } = PARAMETERS[name];
  return {
    name,
    in: place,
    required: place === 'path' || name === 'first' || name === 'second',
    description: says,
    schema: { type: 'string', pattern: pattern.source },
  };
}
