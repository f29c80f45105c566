/** What people may do with a control plane. Each role may do what the ones before it may. */
export const ROLES = ['read', 'submit', 'admin'] as const;

export type Role = (typeof ROLES)[number];

/** Somebody who has shown who they are. */
export interface Caller {
  /** Empty: the owner of the state folder. */
  readonly user: string;
  readonly role: Role;
}

export function mayAct(has: Role, needs: Role): boolean {
  return ROLES.indexOf(has) >= ROLES.indexOf(needs);
}
