"""python -m scripts.audit_dataset: looks through the dataset for unreadable, duplicate, leaking, contradictory and odd images."""

import argparse
import sys

from core.data.settings import AuditSettings
from core.files import check_writable, refuse_existing, write_new
from scripts.command_line import add_settings, new_parser, progress_bar, read_settings, run_command, say, warn, workspace_of


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = new_parser(
        "audit_dataset",
        "Looks at every image of the dataset and reports what makes figures wrong: images that cannot be read, copies (exact, "
        "re-compressed, resized, mirrored, turned) inside a part and across parts, one image with two labels, odd sizes and modes. "
        "Writes outputs/audit.csv and outputs/audit.png; findings are no failure.",
    )
    add_settings(parser, "the audit", AuditSettings)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return run_command(build_parser(), _audit, argv)


def _audit(arguments: argparse.Namespace) -> None:
    from core.data.audit import audit_images
    from core.data.audit_subjects import read_subjects
    from core.data.competition import read_competition
    from core.data.findings import findings_bytes
    from scripts.audit_report import report_picture, report_text

    workspace, settings = workspace_of(arguments), read_settings(arguments, AuditSettings)
    competition = read_competition(workspace)
    subjects = read_subjects(workspace, competition)
    check_writable(workspace.outputs_dir)
    audit = audit_images(competition.image_root, subjects, settings, progress_bar)
    if audit.bound < settings.max_distance:
        done = "none were compared" if audit.bound < 0 else f"only hashes up to {audit.bound} bits apart were compared"
        warn(f"--max_distance {settings.max_distance}: so many images look alike that {done}; more near copies may be there")
    print(report_text(audit, competition.name))
    files = {
        workspace.audit_table_path: findings_bytes(audit.findings),
        workspace.audit_picture_path: report_picture(audit, competition.image_root),
    }
    for path, data in files.items():
        if not path.is_file() or path.read_bytes() != data:
            refuse_existing(path, arguments.force)
    written = [write_new(path, data, arguments.force) for path, data in files.items()]
    say(f"{' and '.join(map(str, files))}: {'written' if any(written) else 'already there'}")


if __name__ == "__main__":
    sys.exit(main())
