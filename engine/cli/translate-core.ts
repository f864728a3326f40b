/** What `ringside translate` needs, in one file of the build: see quick-translate.ts and cached-code.ts in the host. */
import './without-eval.ts';

export { quickTranslate } from './quick-translate.ts';
