/** Why an endpoint was picked: everything that spoke for or against each. */
export interface PickExplanation {
  /** Address of the endpoint picked. */
  readonly picked: string;
  readonly endpoints: readonly ExplainedEndpoint[];
}

export interface ExplainedEndpoint {
  readonly address: string;
  /** The filter that took it out of question; such an endpoint has no scores. */
  readonly filteredBy?: string;
  /** Score from 0 to 1 and its weight, by the name of the scorer. */
  readonly scores: Readonly<Record<string, { readonly score: number; readonly weight: number }>>;
  /** Weighted sum of the scores. */
  readonly total: number;
  /** Tokens of the prompt that the endpoint most likely has in its cache. */
  readonly cachedTokens: number;
  /** Own requests under way before this one. */
  readonly requests: number;
}
