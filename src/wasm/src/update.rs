//! Updates and deletions whose answer was lost. Sent again they are answered 409 or 404, which is a success where the
//! first attempt had landed: that is found out by reading back.

use crate::call::Call;
use crate::client::{Form, Inner, JsObject};
use crate::failure::Failure;
use crate::transport::Sent;
use vault_core::http::Operation;
use vault_core::names::{ObjectId, VersionId};
use vault_core::objects::{ById, DeleteObject, Object, ObjectVersion, Page, UpdateObject};
use vault_core::retry::may_have_landed;
use vault_core::{Code, Error};
use wasm_bindgen::prelude::*;

/// What became of an update.
pub(crate) enum Updated {
    /// It was written.
    Written(JsObject),
    /// The object has the value that was to be written, in the first version since the lock: by this update, or by
    /// another that wrote the same.
    Same(JsObject),
    /// Others wrote since, and it cannot be told whether this update is below theirs.
    Unknown,
}

impl Updated {
    /// For those to whom the same value is as good as their own.
    pub(crate) fn written(self) -> Result<JsObject, Failure> {
        match self {
            Updated::Written(object) | Updated::Same(object) => Ok(object),
            Updated::Unknown => Err(unknown()),
        }
    }
}

/// An update that may have taken effect.
pub(crate) fn unknown() -> Failure {
    let message =
        "updateObject: an answer was lost, and what came after does not show whether it took effect";
    Error::new(Code::OutcomeUnknown, message).into()
}

impl Inner {
    /// Updates an object. `asks`: whether the caller can tell by itself if its change is in the object, so that reading
    /// back is left to it: `Unknown` then says no more than that an answer was lost.
    pub(crate) async fn update(
        &self,
        update: UpdateObject<JsValue>,
        asks: bool,
        call: &Call,
    ) -> Result<Updated, Failure> {
        let UpdateObject { id, value, version_check } = update.clone();
        let Sent { result, uncertain } = self.settings.send_noting(&update.into_request(), call).await;
        let conflict = match result {
            Ok(answer) => {
                self.check(&answer)?;
                return Ok(Updated::Written(Object::read_answer(Operation::UpdateObject, &answer)?));
            }
            Err(failure) if uncertain && failure.code() == Some(Code::VersionMismatch) => failure,
            // A refusal of the last attempt says nothing of those before it.
            Err(failure) if uncertain && !tells_itself(&failure) => return Ok(Updated::Unknown),
            Err(failure) => return Err(failure),
        };
        let Some(lock) = version_check else { return Err(conflict) };
        if asks {
            return Ok(Updated::Unknown);
        }

        match self.read_back(ById(id), &lock, &value, conflict, call).await {
            Err(failure) if failure.code() != Some(Code::VersionMismatch) && !tells_itself(&failure) => {
                Ok(Updated::Unknown)
            }
            found => found,
        }
    }

    /// Under a lock one write can have followed it. Whose was it?
    async fn read_back(
        &self,
        by_id: ById,
        lock: &VersionId,
        value: &JsValue,
        conflict: Failure,
        call: &Call,
    ) -> Result<Updated, Failure> {
        let mut object = self.read(&by_id.read_request(), Form::Text, call).await?;
        let same = object.value.take().is_some_and(|found| found == *value);
        let answer = self.settings.send(&by_id.versions_request(), call).await?;
        let versions = Page::<ObjectVersion<JsValue, js_sys::Date>, JsValue>::read_answer(&answer)?.data;
        // Newest first.
        let since =
            versions.iter().position(|version| version.id.as_string().as_deref() == Some(lock.as_str()));
        Ok(match since {
            Some(1) if same => Updated::Same(object),
            Some(1) => return Err(conflict),
            _ => Updated::Unknown,
        })
    }

    pub(crate) async fn delete(&self, delete: DeleteObject, call: &Call) -> Result<(), Failure> {
        let id = delete.id.clone();
        let Sent { result, uncertain } = self.settings.send_noting(&delete.into_request(), call).await;
        match result {
            Ok(answer) => Ok(DeleteObject::read_answer(&answer)?),
            Err(failure) if uncertain && self.is_gone(&failure, id, call).await? => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Whether a deletion that failed so, after an attempt whose answer was lost, has happened.
    async fn is_gone(&self, failure: &Failure, id: ObjectId, call: &Call) -> Result<bool, Failure> {
        let gone = |code| matches!(code, Some(Code::NotFound | Code::ObjectPendingDeletion));
        if gone(failure.code()) {
            return Ok(true);
        }
        if failure.code() != Some(Code::VersionMismatch) {
            return Ok(false);
        }
        match self.describe(&ById(id), call).await {
            Ok(_) => Ok(false),
            Err(failure) if gone(failure.code()) => Ok(true),
            Err(failure) => Err(failure),
        }
    }
}

/// Whether a failure tells by itself that the request may have taken effect, or that there is nothing to have any on.
fn tells_itself(failure: &Failure) -> bool {
    match failure {
        Failure::Vault { error, .. } => {
            may_have_landed(error) || matches!(error.code, Code::Aborted | Code::NotFound)
        }
        Failure::Caller(_) => true,
    }
}
