//! A lake as requests of persons need it: its policy, its keys, and the cases.

use engine::retention::{HoldCase, Person};
use engine::subject::{
    PersonKeys, SubjectCase, SubjectKey, SubjectKeys, case_folder, record_case, seal, subject_cases, unseal,
};
use engine::{Created, EngineError, Versions};
use object_store::path::Path;
use schemas::{
    CaseId, CaseRecord, CaseStep, HoldStep, Identifier, MaskKey, Permission, RequestRule, SubjectPolicy,
    SubjectRequest, clock_of,
};
use serde::{Deserialize, Serialize};

use super::correct::{PREFIX as CORRECTIONS, corrections_path};
use crate::error::JobError;
use crate::evidence_log::{Act, Intent};
use crate::lake::OpenLake;
use crate::retention::{of_record, who};
use crate::secret::read as read_secret;
use crate::world::World;

/// Bytes of a key of references at least.
const SECRET_BYTES: usize = 32;

/// A lake whose persons are known by keys.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) lake: &'a OpenLake,
    pub(crate) world: &'a World,
    pub(crate) policy: &'a SubjectPolicy,
    pub(crate) known: PersonKeys,
}

/// What is known of a case at a glance.
#[derive(Debug, Clone)]
pub(super) struct Standing<'c> {
    pub(super) request: SubjectRequest,
    pub(super) jurisdiction: &'c str,
    pub(super) received: chrono::NaiveDate,
    /// The last day on which an answer is in time; none where no rule says.
    pub(super) due: Option<chrono::NaiveDate>,
}

impl<'a> Desk<'a> {
    /// Reads the keys.
    ///
    /// # Errors
    /// When there is no `policies/subjects.yaml`, or a key is absent or could be guessed.
    pub(crate) async fn open(lake: &'a OpenLake, world: &'a World) -> Result<Self, JobError> {
        let policy = lake.definitions.subjects.as_ref().ok_or_else(|| {
            JobError::Usage(
                "the lake does not say how persons are known; add policies/subjects.yaml with subjects: {key: {id: s26, \
                 secret: env:AL_SUBJECT_KEY}}"
                    .to_owned(),
            )
        })?;
        let known = person_keys(lake, policy).await?;
        Ok(Self { lake, world, policy, known })
    }

    /// A case.
    pub(super) async fn case(&self, number: &CaseId) -> Result<SubjectCase, JobError> {
        let found = subject_cases(&self.lake.front).await?.into_iter().find(|case| case.case == *number);
        found.ok_or_else(|| JobError::Unknown {
            what: "case of a person",
            name: number.to_string(),
            remedy: "see `auditlake subject list --all`".to_owned(),
        })
    }

    /// A case that is not over.
    pub(super) async fn open_case(&self, number: &CaseId) -> Result<SubjectCase, JobError> {
        let case = self.case(number).await?;
        match case.end() {
            None => Ok(case),
            Some(end) => Err(refused(
                number,
                format!("it is {}, and its identifiers are gone; open another case", end.as_str().replace('_', " ")),
            )),
        }
    }

    /// The next number of the year.
    pub(super) async fn next_number(&self) -> Result<CaseId, JobError> {
        use chrono::Datelike;
        let year = self.world.now().with_timezone(&self.lake.definitions.timezone).year();
        let prefix = format!("subject-{year}-");
        let cases = subject_cases(&self.lake.front).await?;
        let last = cases.iter().filter_map(|case| case.case.as_str().strip_prefix(&prefix)?.parse::<u32>().ok()).max();
        CaseId::parse(&format!("{prefix}{:04}", last.unwrap_or(0) + 1)).map_err(JobError::Usage)
    }

    /// Writes the next record of a case, and logs it.
    pub(super) async fn record(
        &self,
        case: &CaseId,
        number: u64,
        (what, by): (CaseStep, Option<&str>),
    ) -> Result<CaseRecord, JobError> {
        let by = by.unwrap_or("operator").to_owned();
        let record = CaseRecord { case: case.clone(), number, what, by, at: self.world.now() };
        self.note_key().await?;
        let path = Path::from(format!("{}/{number:06}.json", case_folder(case)));
        let intent = Intent::begin(self.lake, self.world, Act::Record { path: path.to_string() }).await?;
        let written = record_case(&self.lake.front, &record).await.map_err(JobError::from);
        let logged = async |path: &Path| Ok(of_record(&self.lake.front, path.as_ref()).await?.into_iter().collect());
        intent.end(written, logged).await?;
        Ok(record)
    }

    /// Notes which key references are made with, before the first one is.
    pub(crate) async fn note_key(&self) -> Result<(), JobError> {
        let key = &self.known.keys.current;
        self.lake.front.create_json(&noted_path(key), &NotedKey { check: key.check_value() }).await?;
        Ok(())
    }

    /// What stands for identifiers in records, in order.
    pub(crate) fn references<'i>(&self, identifiers: impl IntoIterator<Item = &'i Identifier>) -> Vec<String> {
        let mut references: Vec<String> =
            identifiers.into_iter().map(|one| self.known.keys.current.reference(one)).collect();
        references.sort();
        references
    }

    /// Puts identifiers beside a case, encrypted.
    pub(super) async fn seal(&self, case: &CaseId, identifiers: &[Identifier]) -> Result<(), JobError> {
        let mut nonce = [0; 12];
        self.world.fill(&mut nonce);
        let sealed = seal(&self.known.keys.current, case, nonce, identifiers)
            .map_err(|error| refused(case, error.to_string()))?;
        match self.lake.front.create(&sealed_path(case), sealed.into()).await? {
            Created::Now => Ok(()),
            // Those of another attempt may be another person's.
            Created::Existed => {
                Err(refused(case, "identifiers lie beside it already; open a case of another number".to_owned()))
            }
        }
    }

    /// The person of an open case.
    pub(super) async fn person(&self, case: &CaseId) -> Result<Person, JobError> {
        let path = sealed_path(case);
        let Some(sealed) = self.lake.front.read(&path).await? else {
            let what = "is gone, although the case is open; open another case with the identifiers".to_owned();
            return Err(EngineError::Damaged { path: path.to_string(), what }.into());
        };
        let identifiers = unseal(&self.known.keys, case, &sealed).map_err(|error| refused(case, error.to_string()))?;
        Ok(Person::new(identifiers, &self.policy.kinds))
    }

    /// Removes the identifiers of a case, and what of an attempt that stopped is beside them; what is left, each a sentence.
    pub(super) async fn forget(&self, case: &CaseId) -> Result<Vec<String>, JobError> {
        let mut left = self.removed(&sealed_path(case)).await?;
        // Whoever died while one was removed may have left versions, which no listing shows.
        for record in &self.case(case).await?.records {
            if matches!(record.what, CaseStep::Corrected { .. }) {
                left.extend(self.removed(&corrections_path(case, record.number)).await?);
            }
        }
        for meta in self.lake.front.list(&case_folder(case)).await? {
            if meta.location.filename().is_some_and(|name| name.starts_with(CORRECTIONS)) {
                left.extend(self.removed(&meta.location).await?);
            }
        }
        Ok(left)
    }

    /// Removes an object and every version of it; what is left, each a sentence.
    pub(super) async fn removed(&self, path: &Path) -> Result<Vec<String>, JobError> {
        let front = &self.lake.front;
        front.remove(path).await?;
        let mut left = Vec::new();
        match front.versions(path).await? {
            Versions::None => {}
            Versions::Unlisted { why } => left.push(format!("versions of \"{path}\": {why}")),
            Versions::Listed(listed) => {
                for version in listed {
                    let lock = front.delete_version(path, &version.id).await?;
                    left.extend(lock.map(|lock| format!("version {} of \"{path}\": {lock}", version.id)));
                }
            }
        }
        Ok(left)
    }

    /// Where a case stands.
    pub(super) fn standing<'c>(&self, case: &'c SubjectCase) -> Result<Standing<'c>, JobError> {
        let (request, jurisdiction, clock) = clock_of(&case.records).map_err(|why| refused(&case.case, why))?;
        let rule = RequestRule::of(jurisdiction, request.as_str(), clock.received);
        let due = rule.and_then(|rule| rule.due(&clock));
        Ok(Standing { request, jurisdiction, received: clock.received, due })
    }

    /// The name of who asks, once it is known that they may.
    pub(super) fn who(
        &self,
        name: Option<&str>,
        permission: Permission,
        what: &str,
    ) -> Result<Option<String>, JobError> {
        who(self.lake, name, permission, what)
    }
}

/// By what persons are known.
///
/// # Errors
/// When a key is absent, could be guessed, or is another one than records were made with under its id.
pub(crate) async fn person_keys(lake: &OpenLake, policy: &SubjectPolicy) -> Result<PersonKeys, JobError> {
    let read = |key: &MaskKey| -> Result<SubjectKey, JobError> {
        let secret = read_secret(&lake.folder, &key.secret, "policies/subjects.yaml", SECRET_BYTES)?;
        Ok(SubjectKey::new(&key.id, &secret)?)
    };
    let retired: Result<Vec<SubjectKey>, JobError> = policy.retired.iter().map(read).collect();
    let keys = SubjectKeys { current: read(&policy.key)?, retired: retired? };
    for key in keys.all() {
        let Some(noted) = lake.front.read_json::<NotedKey>(&noted_path(key)).await? else { continue };
        if noted.check != key.check_value() {
            return Err(JobError::Usage(format!(
                "key \"{0}\" of policies/subjects.yaml is another one than persons were noted with under that id, so nobody would \
                 know them again; put the old secret back, or give the new one an id of its own and name the old one in retired",
                key.id()
            )));
        }
    }
    Ok(PersonKeys { keys, kinds: policy.kinds.clone() })
}

/// What is known of a key that references were made with.
#[derive(Debug, Serialize, Deserialize)]
struct NotedKey {
    /// Differs where the key does, and tells nothing of it.
    check: String,
}

fn noted_path(key: &SubjectKey) -> Path {
    Path::from(format!("_auditlake/subject_keys/{}.json", key.id()))
}

/// By what persons are known whose rows cases hold, or held; none where there are none of persons. Where nobody knows them, every
/// row may be theirs.
pub(crate) async fn held_persons(lake: &OpenLake, holds: &[HoldCase]) -> Result<Option<PersonKeys>, JobError> {
    // A plan is judged by the cases that it saw, those that were released since among them.
    let names_persons = |case: &HoldCase| case.records.iter().any(|record| is_of_persons(&record.what));
    if holds.iter().any(names_persons) { keys_of(lake).await } else { Ok(None) }
}

/// By what persons are known; none where the lake does not say.
pub(super) async fn keys_of(lake: &OpenLake) -> Result<Option<PersonKeys>, JobError> {
    match &lake.definitions.subjects {
        Some(policy) => Ok(Some(person_keys(lake, policy).await?)),
        None => Ok(None),
    }
}

fn is_of_persons(step: &HoldStep) -> bool {
    step.scope().is_some_and(|scope| !scope.subjects.is_empty())
}

/// Where the identifiers of an open case lie.
pub(super) fn sealed_path(case: &CaseId) -> Path {
    Path::from(format!("{}/sealed", case_folder(case)))
}

/// A step of a case that cannot be taken.
pub(super) fn refused(case: &CaseId, why: String) -> JobError {
    JobError::Refused { what: format!("case {case}"), why }
}
