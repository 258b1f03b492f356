from time import perf_counter
import pytest
from sqlalchemy import text
from db.unit_of_work import unit_of_work
from tests.planting import plant
@pytest.mark.parametrize("status", ["pending","completed"])
@pytest.mark.parametrize("shape", ["flat","trees","chain"])
async def test_x(database, status, shape):
    async with database.superuser.begin() as c:
        await c.execute(text("SET LOCAL statement_timeout=0"))
        p = await plant(c)
        parent = {"flat": "NULL::uuid", "trees": "CASE WHEN n % 10 > 0 THEN md5((n - n % 10)::text)::uuid END", "chain": "CASE WHEN n%16>0 THEN md5((n-1)::text)::uuid END"}[shape]
        done = ", progress, completed_at" if status=="completed" else ""
        dv = ", 100, now()" if done else ""
        await c.execute(text(f"INSERT INTO taskrail.task (tenant_id,id,project_id,title,status,parent_id,created_at{done}) SELECT :t, md5(n::text)::uuid, :p, 'x', '{status}', {parent}, now()+ n*interval '1 s'{dv} FROM generate_series(0,99999) n"), {"t":p.tenant_id,"p":p.project_id})
    for analyzed in (False, True):
        if analyzed:
            async with database.superuser.begin() as c: await c.execute(text("ANALYZE taskrail.task"))
        async with unit_of_work(database.engine("worker")) as uow:
            await uow.tenants.declare([p.tenant_id])
            for what in ("complete","archive","archive_all"):
                s=perf_counter(); r=await uow.bulk.eligible((p.tenant_id,p.project_id), what, 1000)
                print(status, shape, analyzed, what, round(perf_counter()-s,3), len(r.tasks), r.left, flush=True)
    assert 0
