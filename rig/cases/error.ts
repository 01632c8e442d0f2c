/** A case that cannot be used; the message says what to do, and its first words name the case. */
export class CaseError extends Error {
  override name = 'CaseError';
  readonly case: string;

  constructor(name: string, what: string) {
    super(`case ${name}: ${what}`);
    this.case = name;
  }
}
