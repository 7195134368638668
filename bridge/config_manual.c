#include "config_parts.h"

/* A test loads the example that stands in here. */
static const char head[] =
    "# Settings of sampan-bridge\n"
    "\n"
    "One YAML file. Printed by `sampan-bridge --manual`; do not edit.\n"
    "`sampan-bridge --check-config FILE` names every mistake with its line,\n"
    "and the bridge does not start with one.\n"
    "\n"
    "- Texts, numbers and words are written plainly; a code with a leading\n"
    "  zero needs no quotes. `true` and `false` are the only booleans.\n"
    "- Units are in the keys: `_s` seconds, `_mb` 2^20 bytes, `_kb` 2^10.\n"
    "- Secrets are never written into this file. A `..._file` key names a\n"
    "  file that only its owner may read (`chmod 600`); one final line break\n"
    "  of it is dropped, and 64 KiB are the most.\n"
    "- Aliases (`*name`), `null`, a key given twice, a second document and\n"
    "  files above 1 MiB are refused.\n"
    "\n"
    "The least that works; `tests/vectors/settings/full.yaml` shows every\n"
    "platform:\n"
    "\n"
    "```yaml\n"
    "site: plant-1\n"
    "broker:\n"
    "  host: 127.0.0.1\n"
    "store:\n"
    "  folder: /var/lib/sampan/store\n"
    "destinations:\n"
    "  - name: mes\n"
    "    platform: generic\n"
    "    base_url: https://mes.example.com/intake\n"
    "routes:\n"
    "  - filter: line/+/result\n"
    "    destination: mes\n"
    "```\n";

enum status config_manual(struct bytes *markdown)
{
    enum status status = bytes_append_text(markdown, head);

    return status == STATUS_OK ? settings_manual(&config_group, markdown)
                               : status;
}
