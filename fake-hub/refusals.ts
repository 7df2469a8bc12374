/** The token routes' 401, 403, 404, 409 and 410, in the forms that are switched on. */

import { type Answer, empty, json } from './answer.ts';
import type { FakeHubSettings } from './settings.ts';

const NOT_FOUND_PAGE = '<!DOCTYPE html><html><head><title>404 Not Found</title></head><body>Not found</body></html>';

export type RefusalForms = Pick<FakeHubSettings, 'errorForm' | 'notFoundForm'>;

export function refused(forms: RefusalForms, status: 401 | 403 | 404 | 409 | 410, message: string): Answer {
  if (status === 404 && forms.notFoundForm !== 'json') return notFound(forms.notFoundForm);
  return json(status, forms.errorForm === 'newest' ? { errinfo: null, message } : { detail: message, message });
}

function notFound(form: Exclude<FakeHubSettings['notFoundForm'], 'json'>): Answer {
  switch (form) {
    case 'html':
      return { status: 404, headers: { 'content-type': 'text/html; charset=utf-8' }, body: NOT_FOUND_PAGE };
    case 'html-untyped':
      return { status: 404, headers: {}, body: NOT_FOUND_PAGE };
    case 'bare':
      return empty(404);
  }
}
